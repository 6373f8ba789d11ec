"""The parts that Flask plugs in: created unbound here, bound in create_app()."""

from flask_appbuilder import Model
from flask_mail import Mail
from flask_sqlalchemy import SQLAlchemy

# Flask-AppBuilder's own base class, so that db.metadata holds its tables and ours.
db = SQLAlchemy(model_class=Model)
mail = Mail()
