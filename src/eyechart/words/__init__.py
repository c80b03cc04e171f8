"""What was found, in sentences, English and French: only what the numbers allow, with the digits that they deserve."""
