"""Code that several test folders share. It drives the product from outside and imitates none of it."""
