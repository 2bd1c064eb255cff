async def test_x(company):
    print(company.ids)
