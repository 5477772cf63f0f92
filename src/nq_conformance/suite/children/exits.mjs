// A child that ends with code 3 before it has read anything.

process.exit(3);
