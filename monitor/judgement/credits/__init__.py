"""Money: spending, purchases and autobilling, as the movements of the balance show them."""
