"""The invented worlds that the simulators serve: planned without dates, then rendered for a day."""
