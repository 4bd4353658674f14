"""What is kept of a show: whose consent it has, who may see it again, and until when. It knows no other feature."""
