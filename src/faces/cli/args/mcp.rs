//! What `mcp` says of itself; it takes no arguments.

pub(super) const HELP: &str = "\
An agent starts it and talks to it over standard input and output; it ends when the agent closes
them. It tells what today and a session cost, what is left of the budgets, and where spend went.
It changes nothing. Folders are named only with [mcp] projects = true in the config.

Example:
  claude mcp add spendbar -- spendbar mcp";
