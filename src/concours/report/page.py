def write_report(value, path): pass
