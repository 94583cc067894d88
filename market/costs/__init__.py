"""What a plan costs: operating costs and carbon."""
