"""What the work costs and who owes it: tariffs, charges, invoices, payments, cash, settlements.

A charge explains itself line by line; an invoice never changes once it has its number. Not here:
whether an order may go out (orders and its holds), and what was done at the door (dispatch).
"""
