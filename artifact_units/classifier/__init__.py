"""The artifact / normal / real classifier: its data, training, heatmaps and masks."""
