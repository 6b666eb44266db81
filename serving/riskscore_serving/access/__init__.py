"""Who may do what here: the matrix of routes and roles, the gate in every route, the door that knows people."""
