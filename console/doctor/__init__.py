"""Looks at a deployed stage and says what is wrong with it, and what to do: what `make doctor` runs. It only reads."""
