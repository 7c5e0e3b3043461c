"""Sending again what did not arrive: dead letters back to the one subscription they were for."""
