"""Demonstration: the framework, people and story that `assay demo` plays."""
