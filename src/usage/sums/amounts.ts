/** What a source says of a day, in nano-dollars. Pure. */

/** What a source says of a day: credits and BYOK spend in nano-dollars. */
export interface Money {
  costNano: number;
  byokCostNano: number;
}

export const NOTHING: Money = { costNano: 0, byokCostNano: 0 };

/** The sum of two amounts. */
export const addMoney = (a: Money, b: Money): Money => ({
  costNano: a.costNano + b.costNano,
  byokCostNano: a.byokCostNano + b.byokCostNano,
});

/** The difference of two amounts. */
export const subtractMoney = (a: Money, b: Money): Money => ({
  costNano: a.costNano - b.costNano,
  byokCostNano: a.byokCostNano - b.byokCostNano,
});
