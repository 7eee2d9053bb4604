"""Compilation of kernels, and powers, logarithms and exponentials with the same digits on every machine."""
