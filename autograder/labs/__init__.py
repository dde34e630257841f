"""What a lab asks for, where labs lie, and the lateness policy."""
