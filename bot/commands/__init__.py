"""What operators do from a terminal, one module per command; `bot.cli` registers them."""
