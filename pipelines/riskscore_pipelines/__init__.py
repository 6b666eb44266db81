"""The `riskscore` command and its verbs: each verb is a module, loaded only when it is called."""
