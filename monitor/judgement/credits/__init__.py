"""Money: what the movements of the balance say of burn, purchases and autobilling."""
