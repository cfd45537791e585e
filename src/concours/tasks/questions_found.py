def find_answers(source, options):
    return None
