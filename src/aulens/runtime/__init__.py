"""Run an exported model without torch: pictures in, Action Units out."""
