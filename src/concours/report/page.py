def write_report(result): pass
