"""Ctrl-C in processes that others start."""

import subprocess
import sys


def test_a_started_process_ends_at_ctrl_c_without_a_word():
    code = (
        "import signal, time\n"
        "from aulens.interrupts import born_deaf, end_in_silence\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with born_deaf():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    print('deaf', flush=True)\n"
        "    end_in_silence()\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "deaf\n", "")
