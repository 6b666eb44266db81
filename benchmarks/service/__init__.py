"""What load measurements of the decision service share: a company to ask about, the two servers, and an honest stream of requests."""
