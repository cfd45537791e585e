"""Agents: who plays a game. Ready ones see positions; those of users see what a player sees."""
