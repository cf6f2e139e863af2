"""What a table says about itself that its owner must answer; one file per question."""
