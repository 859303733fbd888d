"""The page of a run: what the stages wrote, as one self-contained HTML file."""
