"""Statistics as a process of FastAPI, SQLAlchemy and SQLite answers them: what this Worker is measured against.

uvicorn app:app, with DATABASE naming the file that bench/fastapi.test.ts writes.
"""

import hashlib
import os
from datetime import date

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import Column, Integer, String, create_engine, func, select
from sqlalchemy.orm import Session, declarative_base, sessionmaker

engine = create_engine(f"sqlite:///{os.environ['DATABASE']}", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(engine)
Base = declarative_base()


class Token(Base):
    __tablename__ = "token"
    token_hash = Column(String, primary_key=True)
    user_id = Column(Integer, nullable=False)


class Usage(Base):
    __tablename__ = "usage"
    id = Column(Integer, primary_key=True)
    user_id = Column(Integer, nullable=False)
    date = Column(String, nullable=False)
    key_id = Column(Integer, nullable=False)
    model = Column(String, nullable=False)
    provider = Column(String, nullable=False)
    cost_nano = Column(Integer, nullable=False)
    byok_cost_nano = Column(Integer, nullable=False)
    requests = Column(Integer, nullable=False)
    prompt_tokens = Column(Integer, nullable=False)
    completion_tokens = Column(Integer, nullable=False)
    reasoning_tokens = Column(Integer, nullable=False)
    cached_tokens = Column(Integer, nullable=False)


class Measures(BaseModel):
    cost_usd: float
    byok_cost_usd: float
    requests: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int


class Group(Measures):
    value: str


class Stats(BaseModel):
    totals: Measures
    by_day: list[Group]
    by_model: list[Group]
    by_provider: list[Group]
    by_key: list[Group]


MEASURES = [
    func.coalesce(func.sum(column), 0)
    for column in (
        Usage.cost_nano,
        Usage.byok_cost_nano,
        Usage.requests,
        Usage.prompt_tokens,
        Usage.completion_tokens,
        Usage.reasoning_tokens,
        Usage.cached_tokens,
    )
]


def measures(cost_nano, byok_cost_nano, requests, prompt, completion, reasoning, cached):
    return {
        "cost_usd": cost_nano / 1e9,
        "byok_cost_usd": byok_cost_nano / 1e9,
        "requests": requests,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "reasoning_tokens": reasoning,
        "cached_tokens": cached,
    }


def database():
    with SessionLocal() as session:
        yield session


def current_user(authorization: str = Header(), session: Session = Depends(database)) -> int:
    token_hash = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    user_id = session.scalar(select(Token.user_id).where(Token.token_hash == token_hash))
    if user_id is None:
        raise HTTPException(401)
    return user_id


app = FastAPI()


@app.get("/api/v1/stats", response_model=Stats)
def stats(
    date_from: date, date_to: date, user_id: int = Depends(current_user), session: Session = Depends(database)
):
    where = (Usage.user_id == user_id, Usage.date.between(date_from.isoformat(), date_to.isoformat()))

    def by(column):
        rows = session.execute(select(column, *MEASURES).where(*where).group_by(column).order_by(column))
        return [{"value": str(value), **measures(*sums)} for value, *sums in rows]

    totals = session.execute(select(*MEASURES).where(*where)).one()
    return {
        "totals": measures(*totals),
        "by_day": by(Usage.date),
        "by_model": by(Usage.model),
        "by_provider": by(Usage.provider),
        "by_key": by(Usage.key_id),
    }
