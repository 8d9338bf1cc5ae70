"""What the people who run an installation do with it: move it, back it up, restore it, ask what is wrong with it."""
