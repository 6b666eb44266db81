"""What a recommended limit gives away in a world whose truth is known."""
