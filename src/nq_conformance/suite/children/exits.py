"""A child that ends with code 3 before it has read anything."""

import os

os._exit(3)
