"""What measuring the decision service under load stands on: a company, the two servers, an honest stream of requests."""
