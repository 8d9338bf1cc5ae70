"""What actors can do: one module a noun, one function a command. Preconditions first; nothing is written before the last of them holds."""
