"""Setting up a business step by step: saved at each, left and resumed at any."""

from app.views.setup.screen import SettingUp as SettingUp
