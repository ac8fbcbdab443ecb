"""The compiled kernel: nets, losses and optimizers lowered to a program that C++ runs."""
