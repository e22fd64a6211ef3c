"""What the resolvers for services of AWS share: clients with our bounds, and what the errors of AWS mean."""
