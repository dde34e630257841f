"""Run student code inside the sandbox; knows neither tests nor results."""
