"""Figures from answers, with numpy alone: metrics, boxes, temperature, and what contenders are compared by."""
