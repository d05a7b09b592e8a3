"""What is measured of networks: how they are opened."""
