"""The optional OpenVINO backend: faster on many x86-64 processors, also in bfloat16."""
