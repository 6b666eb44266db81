"""The only room with disk, network, registry and database."""
