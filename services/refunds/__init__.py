"""Applications, checks, decisions: who gets money back, through how many hands, and why not."""
