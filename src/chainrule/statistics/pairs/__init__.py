"""Two arms: is there a difference, how large is it, or too small to matter?"""
