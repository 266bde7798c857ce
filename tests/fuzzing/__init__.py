"""Every parser of what comes from outside, fed with whatever breaks it: `make fuzz`."""
