"""One DynamoDB table for everything; ``keys`` says what lies where."""
