"""Money: what the balance's own movements tell of burn, recharges and autobilling."""
