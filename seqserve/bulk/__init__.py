"""Files of any size through anything that answers texts: read, cut, answered, written in order, resumed."""
