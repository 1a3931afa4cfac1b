"""Where a network saw an Action Unit: shown (`explain`), and measured (`faithfulness`)."""
