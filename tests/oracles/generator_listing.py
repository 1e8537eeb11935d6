"""A typical PyTorch program. The test runs it with minicnn and changes only the four imports."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim


class CNNGenerator(nn.Module):
    def __init__(self):
        super(CNNGenerator, self).__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, stride=1, padding=1)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
        self.fc1 = nn.Linear(64 * 8 * 8, 128)
        self.fc2 = nn.Linear(128, 784)
        self.tanh = nn.Tanh()

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 64 * 8 * 8)
        x = F.relu(self.fc1(x))
        x = self.fc2(x)
        x = self.tanh(x)
        return x


def train(weights, data, target, epochs):
    model = CNNGenerator()
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    data, target = torch.from_numpy(data), torch.from_numpy(target)
    losses = []
    for epoch in range(epochs):
        optimizer.zero_grad()
        output = model(data)
        loss = torch.mean((output - target) ** 2)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
