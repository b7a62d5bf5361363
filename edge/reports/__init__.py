"""Pictures and pages for people: contact sheets, charts, the demo clip."""
