"""The only code that runs student code. It knows neither tests nor results."""
