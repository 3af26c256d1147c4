export interface Money {
  costNano: number;
  byokCostNano: number;
}

export const NOTHING: Money = { costNano: 0, byokCostNano: 0 };

export const addMoney = (a: Money, b: Money): Money => ({
  costNano: a.costNano + b.costNano,
  byokCostNano: a.byokCostNano + b.byokCostNano,
});

export const subtractMoney = (a: Money, b: Money): Money => ({
  costNano: a.costNano - b.costNano,
  byokCostNano: a.byokCostNano - b.byokCostNano,
});
